//! Taipan: sre.
