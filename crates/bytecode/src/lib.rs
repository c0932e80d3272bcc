//! Taipan: bytecode.
