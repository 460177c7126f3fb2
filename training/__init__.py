"""Offline learning: Jina CLIP in PyTorch, augmentation, simulated screenshots, tuning, evaluation."""
