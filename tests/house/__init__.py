"""Proofs about the repository itself: locks, texts, rooms, documents."""
