/**
 * The assembled distribution under real clients: Debian's {@code ctr}, {@code docker}, our own
 * {@code berth}, and kill -9.
 *
 * <p>Nothing here links against a service: {@link BerthInstance} starts the programs of the
 * distribution that the system property {@code berth.libexec} names, each class gets an instance of
 * its own, and what an instance leaves on the host fails its class.
 */
@NullMarked
package io.berth.e2e;

import org.jspecify.annotations.NullMarked;
