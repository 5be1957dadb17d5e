"""What tells how alike texts are, for memories that look things up."""
