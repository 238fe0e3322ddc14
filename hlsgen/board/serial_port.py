"""A serial port of this machine, by pyserial (extra ``board``)."""

from __future__ import annotations

from types import ModuleType

from hlsgen.errors import ConfigError, LinkError

_AT_ONCE = 4096


class SerialPort:
    """A line (:class:`hlsgen.board.line.Line`) through a port such as ``/dev/ttyUSB0``."""

    def __init__(self, port: str, baud: int) -> None:
        """Open it. Raises LinkError if it cannot be opened, ConfigError without pyserial."""
        self.name = port
        serial = _pyserial()
        try:
            self._port = serial.Serial(port, baud, timeout=0, exclusive=True)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise LinkError(
                f"{port}: cannot be opened ({error}); is the board connected, is it this port, may you use it (group "
                "dialout), and is no other program there?"
            ) from error

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except OSError as error:
            raise self._lost(error) from error

    def read(self, timeout: float) -> bytes:
        """What came, at once if there is something. Raises LinkError if the port is gone."""
        try:
            self._port.timeout = timeout
            first: bytes = self._port.read(1)
            self._port.timeout = 0
            return first + self._port.read(_AT_ONCE) if first else first
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        self._port.close()

    def _lost(self, error: OSError) -> LinkError:
        return LinkError(f"{self.name}: the port is gone ({error}); connect the board again")


def _pyserial() -> ModuleType:
    try:
        import serial
    except ImportError as error:
        raise ConfigError(
            "a serial port needs pyserial: pip install 'hlsgen[board]', or pip install pyserial"
        ) from error
    module: ModuleType = serial
    return module
