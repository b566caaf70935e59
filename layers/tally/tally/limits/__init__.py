"""Rate limits: how many requests a tenant may make in a minute."""
