//! What a request log would cost at either provider, before anybody is called.
