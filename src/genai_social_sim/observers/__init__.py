"""They watch a run and never change it: the conversation as it happens, and how far it is."""
