"""Fields as words: a tokenizer, and a transformer that says which come next."""
