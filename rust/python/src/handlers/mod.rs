//! The handlers that Python has bound, and how each is called.

pub mod route;
pub mod routes;
pub mod writes;
