//! Taipan: compiler.
