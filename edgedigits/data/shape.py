"""The shape of the problem: 28×28 grey pixels, ten classes. Imports nothing, so that the command line may read it."""

IMAGE_SIDE = 28
PIXELS = IMAGE_SIDE * IMAGE_SIDE
CLASSES = 10
