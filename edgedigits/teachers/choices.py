"""Every choice of a teacher, as frozen dataclasses: how its digits are read and divided is as for a build."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgedigits import options
from edgedigits.config import DEFAULT_LEARNING_RATES, DataConfig, Sections, TrainingConfig
from edgedigits.options import option

CNN, ENSEMBLE, MLP = "cnn", "ensemble", "mlp"
KINDS, MEMBERS = (CNN, ENSEMBLE), (MLP, CNN)
EPOCHS = {CNN: 10, MLP: 60}

_ENSEMBLE, _OF_MLPS = ("teacher", "kind", ENSEMBLE), ("teacher", "of", MLP)


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """What the teacher is, and where it lands."""

    kind: str = option(CNN, options.choice(KINDS), "cnn, or an ensemble of several networks", metavar="KIND")
    members: int = option(5, options.integer(2, 64), "networks of the ensemble", needs=_ENSEMBLE)
    of: str = option(
        MLP, options.choice(MEMBERS), "what the ensemble is of: mlp or cnn", metavar="KIND", needs=_ENSEMBLE
    )
    hidden: tuple[int, ...] = option(
        (32, 16), options.hidden_widths, "widths of the hidden layers of its MLPs", metavar="32,16", needs=_OF_MLPS
    )
    out: str = option("teacher", options.path, "folder to write", metavar="DIR")

    @property
    def network(self) -> str:
        """The kind of one network, CNN or MLP."""
        return CNN if self.kind == CNN else self.of

    @property
    def count(self) -> int:
        """How many networks there are."""
        return 1 if self.kind == CNN else self.members


@dataclass(frozen=True, kw_only=True)
class LessonsConfig(TrainingConfig):
    """How each network is trained, on the training digits that a build of this seed has."""

    epochs: int = option(
        0, options.integer(0, 100_000), f"epochs of each network (default: CNNs {EPOCHS[CNN]}, MLPs {EPOCHS[MLP]})"
    )
    learning_rate: float = option(
        0.0, options.number(0, 100), "peak learning rate (default: adam 0.003, momentum 0.05, sgd 0.2)", metavar="RATE"
    )


@dataclass(frozen=True, kw_only=True)
class TeacherConfig(Sections):
    """The whole of a teacher's choices."""

    data: DataConfig = field(default_factory=DataConfig)
    teacher: NetworkConfig = field(default_factory=NetworkConfig)
    training: LessonsConfig = field(default_factory=LessonsConfig)

    @property
    def epochs(self) -> int:
        """Epochs of each network."""
        return self.training.epochs or EPOCHS[self.teacher.network]

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate asked for, or the optimizer's default."""
        return self.training.learning_rate or DEFAULT_LEARNING_RATES[self.training.optimizer]
