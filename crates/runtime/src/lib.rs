//! Taipan: runtime.
