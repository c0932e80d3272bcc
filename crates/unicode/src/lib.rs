//! Taipan: unicode.
