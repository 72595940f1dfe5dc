"""The record: canonical entries, a hash chain per case, and its verification."""
