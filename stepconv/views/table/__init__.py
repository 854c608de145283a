"""The hand-worked table of rank 1, and the sums of any rank written out."""
