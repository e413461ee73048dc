"""The shape of the problem: 28×28 grey pixels, ten classes. Imports nothing, so that the command line may read it."""

IMAGE_SIDE = 28
PIXELS = IMAGE_SIDE * IMAGE_SIDE
CLASSES = 10

SIDES_ELSEWHERE = {side * side: side for side in (8, 14, 16, 20, 32, 64)}
"""The sides of other sets' pictures (scikit-learn's 8, USPS' 16, SVHN's 32 …) by their pixels, to recognise them."""
