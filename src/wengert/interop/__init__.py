"""Programs in other languages and for other libraries."""
