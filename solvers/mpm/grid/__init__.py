"""The background grid: where its nodes are, which of them are kept, and what particles see of them."""
