//! The least ISO base media file that plays everywhere: one H.264 track, its index first, so that a
//! browser starts before the download ends.

/// The track's clock: ticks a second, divisible by every usual frame rate.
const TIMESCALE: u32 = 90_000;

/// A track in the making.
pub(super) struct Track {
    width: u32,
    height: u32,
    fps: u32,
    parameter_set: Option<Vec<u8>>,
    picture_set: Option<Vec<u8>>,
    data: Vec<u8>,
    sizes: Vec<u32>,
    // Numbers of the frames that need no other, from one.
    sync: Vec<u32>,
}

impl Track {
    pub(super) fn new(width: u32, height: u32, fps: u32) -> Self {
        Self {
            width,
            height,
            fps,
            parameter_set: None,
            picture_set: None,
            data: Vec::new(),
            sizes: Vec::new(),
            sync: Vec::new(),
        }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub(super) fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Adds one encoded frame, given as the encoder gives it: units behind start codes.
    pub(super) fn push(&mut self, stream: &[u8]) {
        let start = self.data.len();
        let mut is_sync = false;
        for unit in units(stream) {
            match unit.first().map(|it| it & 0x1f) {
                Some(7) => self.parameter_set = Some(unit.to_vec()),
                Some(8) => self.picture_set = Some(unit.to_vec()),
                Some(kind) => {
                    is_sync |= kind == 5;
                    self.data.extend((unit.len() as u32).to_be_bytes());
                    self.data.extend(unit);
                }
                None => {}
            }
        }
        if self.data.len() > start {
            self.sizes.push((self.data.len() - start) as u32);
            if is_sync {
                self.sync.push(self.sizes.len() as u32);
            }
        }
    }

    /// Writes the file; `None` where nothing was pushed.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        let file_type = boxed(b"ftyp", &[b"isom", &512u32.to_be_bytes(), b"isomiso2avc1mp41"]);
        // The index holds the place of the data, which stands behind the index: its length does
        // not depend on the value, so it is made twice.
        let length = self.movie(0)?.len();
        let movie = self.movie((file_type.len() + length + 8) as u32)?;
        Some([file_type, movie, boxed(b"mdat", &[&self.data])].concat())
    }

    fn movie(&self, data_at: u32) -> Option<Vec<u8>> {
        let n_frames = self.sizes.len() as u32;
        let step = TIMESCALE / self.fps;
        let ticks = (n_frames * step).to_be_bytes();
        let timescale = TIMESCALE.to_be_bytes();
        let one = 0x1_0000u32.to_be_bytes();
        let matrix = [&one, &[0; 12][..], &one, &[0; 12], &0x4000_0000u32.to_be_bytes()].concat();
        let media = boxed(
            b"mdia",
            &[
                &boxed(b"mdhd", &[&[0; 12], &timescale, &ticks, &[0x55, 0xc4, 0, 0]]),
                &boxed(b"hdlr", &[&[0; 8], b"vide", &[0; 12], b"VideoHandler\0"]),
                &boxed(
                    b"minf",
                    &[
                        &boxed(b"vmhd", &[&[0, 0, 0, 1], &[0; 8]]),
                        &boxed(
                            b"dinf",
                            &[&boxed(
                                b"dref",
                                &[&[0, 0, 0, 0, 0, 0, 0, 1], &boxed(b"url ", &[&[0, 0, 0, 1]])],
                            )],
                        ),
                        &self.samples(data_at, step)?,
                    ],
                ),
            ],
        );
        let track_header = boxed(
            b"tkhd",
            &[
                &[0, 0, 0, 3],
                &[0; 8],
                &1u32.to_be_bytes(),
                &[0; 4],
                &ticks,
                &[0; 16],
                &matrix,
                &(self.width << 16).to_be_bytes(),
                &(self.height << 16).to_be_bytes(),
            ],
        );
        let header = boxed(
            b"mvhd",
            &[
                &[0; 12],
                &timescale,
                &ticks,
                &one,
                &[1, 0],
                &[0; 10],
                &matrix,
                &[0; 24],
                &2u32.to_be_bytes(),
            ],
        );
        Some(boxed(b"moov", &[&header, &boxed(b"trak", &[&track_header, &media])]))
    }

    fn samples(&self, data_at: u32, step: u32) -> Option<Vec<u8>> {
        let (parameters, pictures) = (self.parameter_set.as_ref()?, self.picture_set.as_ref()?);
        let n_frames = self.sizes.len() as u32;
        let profile = parameters.get(1..4)?;
        let configuration = boxed(
            b"avcC",
            &[
                &[1],
                profile,
                &[0xff, 0xe1],
                &(parameters.len() as u16).to_be_bytes(),
                parameters,
                &[1],
                &(pictures.len() as u16).to_be_bytes(),
                pictures,
            ],
        );
        let entry = boxed(
            b"avc1",
            &[
                &[0, 0, 0, 0, 0, 0, 0, 1],
                &[0; 16],
                &(self.width as u16).to_be_bytes(),
                &(self.height as u16).to_be_bytes(),
                &0x48_0000u32.to_be_bytes(),
                &0x48_0000u32.to_be_bytes(),
                &[0, 0, 0, 0, 0, 1],
                &[0; 32],
                &[0, 0x18, 0xff, 0xff],
                &configuration,
            ],
        );
        Some(boxed(
            b"stbl",
            &[
                &boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &entry]),
                &boxed(b"stts", &[&words(&[0, 1, n_frames, step])]),
                &boxed(b"stss", &[&words(&[0, self.sync.len() as u32]), &words(&self.sync)]),
                // One chunk holds every frame.
                &boxed(b"stsc", &[&words(&[0, 1, 1, n_frames, 1])]),
                &boxed(b"stsz", &[&words(&[0, 0, n_frames]), &words(&self.sizes)]),
                &boxed(b"stco", &[&words(&[0, 1, data_at])]),
            ],
        ))
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|it| it.to_be_bytes()).collect()
}

fn boxed(name: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let length = 8 + parts.iter().map(|it| it.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_be_bytes());
    bytes.extend(name);
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The units between start codes (00 00 01, or 00 00 00 01).
fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    while at + 3 <= stream.len() {
        if stream[at..at + 3] == [0, 0, 1] {
            starts.push(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|it| it - 3).chain([stream.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| {
        let unit = &stream[start..end];
        // The fourth zero of a long start code, and trailing zeros, belong to no unit.
        let length = unit.iter().rposition(|it| *it != 0).map_or(0, |it| it + 1);
        &unit[..length]
    })
}
