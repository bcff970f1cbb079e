"""The wire format: base Structs, encoding and decoding, older daemons' spellings, dialects."""
