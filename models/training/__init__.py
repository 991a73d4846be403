"""Offline training of the shipped model; needs torch, never imported by the running product."""
