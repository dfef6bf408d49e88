"""What people say to each other beside the work, and what they are told."""
