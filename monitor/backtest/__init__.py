"""Backtest: replays stored samples to several policies and compares them."""
