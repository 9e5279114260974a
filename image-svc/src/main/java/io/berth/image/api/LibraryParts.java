package io.berth.image.api;

import io.berth.image.archive.ArchiveLoader;
import io.berth.image.archive.ArchiveSaver;
import io.berth.image.build.ImageBuilder;
import io.berth.image.content.ContentStore;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.Tagging;
import io.berth.image.library.Users;
import io.berth.image.library.Verification;
import io.berth.image.registry.RegistryTransfer;
import io.berth.image.snapshot.Snapshots;

/** What {@link LibraryEndpoint} translates to. */
public record LibraryParts(
    ImageLibrary library,
    Tagging tagging,
    ArchiveLoader loader,
    ArchiveSaver saver,
    ImageBuilder builder,
    Verification verification,
    RegistryTransfer transfer,
    Users users,
    ContentStore content,
    Snapshots snapshots) {}
