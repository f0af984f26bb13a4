"""copydesk: one signal in, every follower's own order out, with a reason for everything."""
