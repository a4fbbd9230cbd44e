"""What is not here, or not what it should be: errors that name what is missing and the command that mends it."""


class FeaturesUnavailable(FileNotFoundError):
    """The authors' features are not on this machine and could not be fetched."""


class FeaturesAltered(ValueError):
    """A features file is here, but it is not the one its authors published. It is left as it is and not used."""


class ModelUnavailable(FileNotFoundError):
    """A model's weights, configuration or tokenizer are not on this machine and could not be fetched."""
