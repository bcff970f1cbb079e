"""What every part knows of messages: their Structs' bases, older spellings, encoding, dialects."""
