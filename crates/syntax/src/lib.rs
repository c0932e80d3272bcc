//! Taipan: syntax.
