"""Stand-ins for a Dask cluster, in which a task is done as soon as it is submitted."""

from __future__ import annotations


class Future:
    """Something that a cluster has done already."""

    status = "finished"

    def __init__(self, answers):
        self.answers = answers

    def result(self):
        return self.answers

    def add_done_callback(self, call):
        call(self)


class Client:
    """Stands for a cluster: calls `work` with the trials of a task, and takes what it returns as their answers."""

    def __init__(self, work):
        self.work = work

    def submit(self, _, task, *__, **___):
        return Future(self.work(task["trials"]))

    def subscribe_topic(self, *_):
        pass

    def unsubscribe_topic(self, *_):
        pass
