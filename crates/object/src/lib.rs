//! Taipan: object.
