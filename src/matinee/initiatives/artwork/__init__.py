"""For each title on a page, the image most likely to lead that member to a play they are glad of."""
