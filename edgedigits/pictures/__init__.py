"""Pictures of digits as a person has them: found, straightened, read by the engine of a build, and explained."""
