//! Taipan: numeric.
