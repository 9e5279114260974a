/**
 * Content: bytes named by their digest. Every namespace has records of its own, with labels; the
 * files are shared.
 *
 * <p>Content comes in through an {@link io.berth.image.content.Ingest}, named by the client; what
 * has been written survives any crash of ours and is gone on with. It becomes content when its
 * digest and size are what the client said; from then on nothing changes it. The file goes when no
 * namespace records it any more.
 */
@NullMarked
package io.berth.image.content;

import org.jspecify.annotations.NullMarked;
