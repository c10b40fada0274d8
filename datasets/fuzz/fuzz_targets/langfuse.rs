#![no_main]
datasets_fuzz::reader!(Langfuse);
