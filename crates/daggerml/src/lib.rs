//! The DaggerML engine.
