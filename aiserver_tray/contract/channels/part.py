"""What all groups of channels have in common."""

from aiserver_tray.contract.contract import Peer


class Part:
    """Some channels of the contract, with what they share."""

    def forget(self, peer: Peer) -> None:
        """The client is gone: end what runs only for it."""

    def close(self) -> None:
        """End what runs in the background. Must not block."""
