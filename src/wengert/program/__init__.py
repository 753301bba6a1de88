"""The recorded program: a Wengert list that keeps its loops."""
