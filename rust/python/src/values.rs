//! Checks of Python values, and bytes for Python.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

/// Whether the value consists of JSON's types only: text, finite numbers, booleans, `None`, and
/// lists, tuples, dicts and Structs of these. Subclasses do not count.
///
/// The value must not contain itself.
#[pyfunction]
#[pyo3(signature = (value, /))]
pub fn is_json(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let mut open = vec![value.clone()];
    while let Some(value) = open.pop() {
        if is_scalar(&value) {
            continue;
        }
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            for (name, member) in dict.iter() {
                if !name.is_exact_instance_of::<PyString>() {
                    return Ok(false);
                }
                open.push(member);
            }
        } else if let Ok(list) = value.cast_exact::<PyList>() {
            open.extend(list.iter());
        } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            open.extend(tuple.iter());
        } else if let Some(names) = struct_fields(&value)? {
            for name in names.iter() {
                open.push(value.getattr(name.cast::<PyString>()?)?);
            }
        } else {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_scalar(value: &Bound<'_, PyAny>) -> bool {
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        return float.value().is_finite();
    }
    value.is_none()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyBool>()
}

/// The names of a msgspec Struct's fields; `None` for any other value.
fn struct_fields<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let names = value.get_type().getattr_opt(intern!(value.py(), "__struct_fields__"))?;
    Ok(names.and_then(|names| names.cast_into::<PyTuple>().ok()))
}

/// Below this size no `MemoryError` is raised: a process without memory for so little cannot go on.
const SMALL: usize = 1 << 16;

/// Bytes for Python; `MemoryError` where pyo3's own way would panic.
pub fn bytes<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    if text.len() < SMALL {
        return Ok(PyBytes::new(py, text));
    }
    PyBytes::new_with(py, text.len(), |room| {
        room.copy_from_slice(text);
        Ok(())
    })
}
