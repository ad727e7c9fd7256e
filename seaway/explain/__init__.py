"""What an application becomes and why, for people: defaults with their reasons, a service, a picture of all of them."""
