//! Delivery, seen from outside.
