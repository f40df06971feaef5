"""What a bundle becomes for its readers: a page, a workbook, printed pages, differences."""
