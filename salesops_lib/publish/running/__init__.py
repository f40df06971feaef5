"""One run or many: what was asked, in what order, in which kernel, and how it ended."""
