//! The Python module `clnwire._core`: the core and the input and output, for Python.

mod current_message;
mod driver;
mod errors;
mod forked;
mod framing;
mod handlers;
mod ids;
mod journal;
#[cfg(target_os = "linux")]
mod load;
mod outbox;
mod params;
mod redaction;
mod stream;
mod values;
mod wire;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _core {
    use super::PyModule;
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::current_message::CurrentMessage;
    #[pymodule_export]
    use super::driver::Job;
    #[pymodule_export]
    use super::driver::{Driver, Turn};
    #[pymodule_export]
    use super::errors::{IdError, MalformedError, PipeError};
    #[pymodule_export]
    use super::framing::{Frame, Framer, members, validate};
    #[pymodule_export]
    use super::handlers::route::Route;
    #[pymodule_export]
    use super::handlers::writes::WritesDecoder;
    #[pymodule_export]
    use super::ids::IdMap;
    #[pymodule_export]
    use super::journal::{
        Journal, JournalDamagedError, JournalError, JournalFailedError, JournalFullError,
        JournalLockedError, JournalRecords, chain_of, digest_of_file, prune_journal,
    };
    #[cfg(target_os = "linux")]
    #[pymodule_export]
    use super::load::measure;
    #[pymodule_export]
    use super::outbox::Outbox;
    #[pymodule_export]
    use super::redaction::mask;
    #[pymodule_export]
    use super::stream::Stream;
    #[pymodule_export]
    use super::values::is_json;
    #[pymodule_export]
    use super::wire::Wire;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("DEFAULT_MAX_FRAME_BYTES", clnwire_core::DEFAULT_MAX_FRAME_BYTES)?;
        module.add("DEFAULT_MAX_DEPTH", clnwire_core::DEFAULT_MAX_DEPTH)
    }
}
