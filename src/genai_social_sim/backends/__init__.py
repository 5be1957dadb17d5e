"""What answers for agents. Each backend is one module, loaded by name when a study asks for it."""
