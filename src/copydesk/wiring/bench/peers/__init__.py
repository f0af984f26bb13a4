"""Scripts that other environments run: peers that are no dependency of ours. Each stands alone."""
