package io.berth.base.daemon;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainDatagramPacket;
import io.netty.channel.unix.DomainSocketAddress;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** Tells systemd (sd_notify(3)); without NOTIFY_SOCKET it does nothing. */
final class SdNotify {
  private static final Logger LOG = System.getLogger(SdNotify.class.getName());

  private SdNotify() {}

  static void ready() {
    send("READY=1\n");
  }

  static void stopping() {
    send("STOPPING=1\n");
  }

  private static void send(String text) {
    String socket = System.getenv("NOTIFY_SOCKET");
    if (socket == null || socket.isEmpty()) {
      return;
    }
    String path = socket.startsWith("@") ? "\0" + socket.substring(1) : socket;
    EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    try {
      io.netty.bootstrap.Bootstrap bootstrap =
          new io.netty.bootstrap.Bootstrap()
              .group(group)
              .channel(EpollDomainDatagramChannel.class)
              .handler(new ChannelInboundHandlerAdapter());
      io.netty.channel.Channel channel = bootstrap.register().sync().channel();
      channel
          .writeAndFlush(
              new DomainDatagramPacket(
                  Unpooled.copiedBuffer(text, StandardCharsets.UTF_8),
                  new DomainSocketAddress(path)))
          .sync();
      channel.close().sync();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "notify {0}: {1}", socket, e.getMessage());
    } finally {
      group.shutdownGracefully(0, 100, TimeUnit.MILLISECONDS);
    }
  }
}
