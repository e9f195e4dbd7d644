"""Your own pictures, or a video, as a camera's frames: through the whole pipeline. docs/replay.md explains it.

``wanted`` what is to be sent · ``folder`` pictures to passages · ``video`` frames to passages, by what moves ·
``address``, ``stream`` where a video may come from · ``when`` the moment of capture · ``picture`` a JPEG that fits ·
``send`` when each is due
"""
