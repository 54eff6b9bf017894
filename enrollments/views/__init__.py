"""Pages of enrolling, paying and the waitlist. They translate; operations decide."""
