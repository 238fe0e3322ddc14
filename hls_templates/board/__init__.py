"""The design on its board: ``from board.driver import Design``. Written by hlsgen."""
