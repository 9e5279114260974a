package io.berth.base.daemon;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainDatagramPacket;
import io.netty.channel.unix.DomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a real datagram socket, as the service manager has one. */
class SdNotifyTest {
  @TempDir Path folder;
  private final EventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final BlockingQueue<String> received = new LinkedBlockingQueue<>();

  @BeforeEach
  void listen() throws InterruptedException {
    Channel channel =
        new Bootstrap()
            .group(loop)
            .channel(EpollDomainDatagramChannel.class)
            .handler(
                new SimpleChannelInboundHandler<DomainDatagramPacket>() {
                  @Override
                  protected void channelRead0(
                      ChannelHandlerContext context, DomainDatagramPacket packet) {
                    received.add(packet.content().toString(StandardCharsets.UTF_8));
                  }
                })
            .bind(new DomainSocketAddress(folder.resolve("notify").toFile()))
            .sync()
            .channel();
    assertEquals(true, channel.isActive());
  }

  @AfterEach
  void stop() {
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  @Test
  void tellsOneDatagramForEachStep() throws InterruptedException {
    String socket = folder.resolve("notify").toString();
    SdNotify.send(socket, "READY=1\n");
    SdNotify.send(socket, "STOPPING=1\n");
    assertEquals("READY=1\n", received.poll(10, TimeUnit.SECONDS));
    assertEquals("STOPPING=1\n", received.poll(10, TimeUnit.SECONDS));
  }

  @Test
  void doesNothingWithoutAServiceManager() {
    assertDoesNotThrow(() -> SdNotify.send(null, "READY=1\n"));
    assertDoesNotThrow(() -> SdNotify.send("", "READY=1\n"));
    assertDoesNotThrow(() -> SdNotify.send(folder.resolve("nobody").toString(), "READY=1\n"));
  }
}
